-- One line of figures at the end of a run, for the runner to read. It defines no `request`, so wrk keeps sending the
-- request that it made at start, without a Lua call for each.
function done(summary, latency, requests)
   local e = summary.errors
   io.write(string.format("figures requests=%d duration_us=%d p50_us=%d p99_us=%d errors=%d\n",
      summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
      e.connect + e.read + e.write + e.status + e.timeout))
end
