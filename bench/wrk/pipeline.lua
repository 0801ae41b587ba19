-- Sixteen requests in one write. wrk parses the string once, sees sixteen, and then counts every answer as one request.
--
-- No latency here: wrk takes one sample per batch, but at the end it "corrects" the samples by the mean time per request.
-- With batches that is a sixteenth of what a sample is, so the correction buries the samples under invented ones and the
-- percentiles are wrong (the 99th is often 0). The runner takes the latency of batches with its own generator instead.
local batch

function init(args)
   local one = wrk.format("GET", "/plaintext")
   batch = string.rep(one, 16)
end

function request()
   return batch
end

function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("figures requests=%d duration_us=%d errors=%d\n",
      summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout))
end
