// The same page as in peers/kit; the runner compares the bytes.
'use strict';
const page = {
  page: 1,
  items: Array.from({ length: 10 }, (_, n) => ({
    id: 1000 + n,
    name: `article ${n}`,
    price_cents: 1999 + n,
    in_stock: n % 2 === 0,
    tags: ['small', 'red'],
  })),
  note: '',
};
page.note = 'n'.repeat(1024 - Buffer.byteLength(JSON.stringify(page)));
module.exports = page;
