// The application of tests/interop/ours/src/app.rs, written for Express 5. Needs EXPRESS: a directory with the packages. Prints its URL.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.EXPRESS}/`);
const express = require('express');
const here = new URL('../express/', import.meta.url);
const lines = (name) => fs.readFileSync(new URL(name, here), 'utf8').split('\n').slice(0, -1);

const app = express();
app.set('trust proxy', process.env.TRUST ? process.env.TRUST.split(',') : false);

// Patterns: each in a router of its own, so that none hides another.
lines('patterns.txt').forEach((pattern, number) => {
  const router = express.Router();
  router.get(pattern, (req, res) => res.json({ number, params: req.params }));
  app.use(`/p${number}`, router);
});
lines('patterns.txt').forEach((pattern, number) => {
  const router = express.Router({ caseSensitive: true, strict: true });
  router.get(pattern, (req, res) => res.json({ number, params: req.params }));
  app.use(`/s${number}`, router);
});

// The order of middleware and routes.
const mark = (name) => (req, res, next) => {
  res.append('X-Way', name);
  next();
};
const order = express.Router({ mergeParams: true });
order.use(mark('first'));
order.get('/early', (req, res) => res.send('early'));
order.use('/in', mark('at in'));
const inner = express.Router({ mergeParams: true });
inner.param('id', (req, res, next, value) => {
  res.append('X-Way', `id=${value}`);
  if (value === 'none') return res.status(404).send('no such id');
  next();
});
inner.get('/skip', (req, res, next) => next('router'));
inner.get('/leave', (req, res, next) => next('route'), (req, res) => res.send('not reached'));
inner.get('/leave', (req, res) => res.send('left'));
inner.get('/base', (req, res) => res.json({ base: req.baseUrl, path: req.path, original: req.originalUrl, params: req.params }));
inner.get('/items/:id', (req, res) => res.json(req.params));
order.use('/in/:version', inner);
order.get('/in/:version/skip', (req, res) => res.send('behind the router'));
order.use(mark('late'));
order.get('/late', (req, res) => res.send('late'));
order.get('/fails', () => {
  throw Object.assign(new Error('inside'), { status: 422 });
});
order.get('/rejects', async () => {
  throw new Error('inside');
});
app.use('/order', order);

// Methods.
app.route('/methods').get((req, res) => res.set('X-A', '1').send('content')).post((req, res) => res.status(201).send('made'));
app.all('/any', (req, res) => res.send(req.method));
app.put('/put', (req, res) => res.send('put'));
app.delete('/put', (req, res) => res.send('deleted'));

// Requests.
app.get('/query', (req, res) => res.json(req.query));
app.get('/cookies', (req, res) => res.json({ raw: req.get('cookie') ?? null }));
app.get('/negotiate', (req, res) => res.json({
  type: req.accepts(['html', 'json', 'text']) || null,
  language: req.acceptsLanguages(['en', 'de', 'fr']) || null,
  encoding: req.acceptsEncodings(['gzip', 'br', 'identity']) || null,
}));
app.get('/client', (req, res) => res.json({ ip: req.ip.replace('::ffff:', ''), xhr: req.xhr, protocol: req.protocol, hostname: req.hostname }));

// Responses.
app.get('/status/:code', (req, res) => res.status(Number(req.params.code)).send('content'));
app.get('/redirect/:code', (req, res) => res.redirect(Number(req.params.code), req.query.to));
app.get('/cookie', (req, res) => res
  .cookie('plain', 'v', { httpOnly: false })
  .cookie('all', 'a b', { maxAge: 60000, httpOnly: true, secure: true, sameSite: 'strict', path: '/x', domain: 'example.com' })
  .send('set'));
app.get('/attachment', (req, res) => res.attachment(req.query.name).send('file'));
app.get('/json', (req, res) => res.json({ text: 'a<b>&"ä€', number: 1.5, none: null, list: [1, 2, 3] }));
app.get('/text', (req, res) => res.type('text/plain').send('some text, long enough to be worth an ETag'));
app.get('/bytes', (req, res) => res.type('application/octet-stream').send(Buffer.from([0, 1, 2, 255])));
app.get('/empty', (req, res) => res.status(204).end());

app.use((req, res) => res.status(404).json({ error: 'not found' }));
app.use((error, req, res, next) => {
  if (res.headersSent) return next(error);
  res.status(error.status ?? 500).json({ error: (error.status ?? 500) < 500 ? 'refused' : 'failed' });
});

const server = app.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`));
