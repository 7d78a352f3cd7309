// Loaded first by every Node.js process that MiniStack starts for a Lambda function, by way of NODE_OPTIONS.
// The AWS SDK puts a bucket's name before the host; names below localhost are loopback (RFC 6761, section 6.3), but
// not every system's resolver knows.
"use strict";
const dns = require("node:dns");

const lookup = dns.lookup;

dns.lookup = function (hostname, ...rest) {
  return lookup.call(this, hostname.endsWith(".localhost") ? "127.0.0.1" : hostname, ...rest);
};
