// SPDX-License-Identifier: Apache-2.0
// Node's mysql2. The error is printed as Node prints an uncaught one, without the stack.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const util = require('util');
const mysql = require('mysql2');

const env = process.env;
const action = process.argv[2];

function fail(error) {
  const { code, errno, sqlState } = error;
  console.error(`${error}`, util.inspect({ code, errno, sqlState }, { breakLength: Infinity }));
  process.exitCode = 1;
}

function select(conn) {
  const digest = crypto.createHash('sha256');
  let size = 0;
  conn.query({ sql: env.TIDBLINK_TEST_QUERY, rowsAsArray: true })
    .on('error', fail)
    .on('result', (row) => {
      const line = `${row[0]}\n`;
      digest.update(line);
      size += Buffer.byteLength(line);
      if (action !== 'result') {
        process.stdout.write(line);
      }
    })
    .on('end', () => {
      if (action === 'result' && !process.exitCode) {
        console.log(digest.digest('hex'), size);
      }
      conn.end();
    });
}

function place() {
  if (env.TIDBLINK_TEST_SOCKET) {
    return { socketPath: env.TIDBLINK_TEST_SOCKET };
  }
  return { host: env.TIDBLINK_TEST_HOST, port: Number(env.TIDBLINK_TEST_PORT) };
}

// It has no other way to say "off" than to say nothing.
function tls() {
  if (env.TIDBLINK_TEST_TLS === 'on') {
    return { ssl: { rejectUnauthorized: false } };
  }
  if (env.TIDBLINK_TEST_TLS === 'verify') {
    return { ssl: { ca: fs.readFileSync(env.TIDBLINK_TEST_CA), verifyIdentity: true } };
  }
  return {};
}

const conn = mysql.createConnection({
  ...place(),
  ...tls(),
  user: env.TIDBLINK_TEST_USER,
  password: env.TIDBLINK_TEST_PASSWORD,
  database: env.TIDBLINK_TEST_DATABASE,
});
conn.connect((error) => {
  if (error) {
    fail(error);
  } else if (action === 'print-error') {
    console.log('connected');
    conn.end();
  } else {
    select(conn);
  }
});
