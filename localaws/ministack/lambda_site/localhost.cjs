// Loaded at the start of every Node.js process that MiniStack starts for a Lambda function, because of NODE_OPTIONS.
// The AWS SDK puts a bucket's name before the host. Names below localhost are loopback addresses (RFC 6761, section
// 6.3), but not every system's resolver resolves them.
"use strict";
const dns = require("node:dns");

const lookup = dns.lookup;

dns.lookup = function (hostname, ...rest) {
  return lookup.call(this, hostname.endsWith(".localhost") ? "127.0.0.1" : hostname, ...rest);
};
