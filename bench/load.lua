-- The load of wrk. Arguments after `--`: how many requests go in one write, and the length of each request's body.
-- `request` is not defined: wrk makes its request once, and Lua is not called for each. wrk sees how many requests are in a batch
-- when it parses the string, and then counts every response as one request.
local main
depth, wrong = 1, 0

function setup(thread)
   main = thread
end

function init(args)
   local body_bytes = tonumber(args[2])
   depth = tonumber(args[1])
   if body_bytes > 0 then
      wrk.method, wrk.body = "POST", string.rep("x", body_bytes)
      response = function(status, headers, body)
         if tonumber(body) ~= body_bytes then wrong = wrong + 1 end
      end
   end
   local format = wrk.format
   wrk.format = function() return string.rep(format(), depth) end
end

-- No latency of batches: wrk takes one sample for each batch, but at its end it "corrects" the samples by the mean time per
-- request, which buries the samples of batches under invented ones.
function done(summary, latency, requests)
   local e = summary.errors
   local errors = e.connect + e.read + e.write + e.status + e.timeout + main:get("wrong")
   local figures = { summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), errors }
   if main:get("depth") > 1 then figures = { summary.requests, summary.duration, errors } end
   print("figures " .. table.concat(figures, " "))
end
