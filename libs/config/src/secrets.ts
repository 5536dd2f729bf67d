import { hkdfSync, randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Env } from './env.js';

/**
 * 32 bytes for one purpose (HKDF, RFC 5869), one buffer for each of `ENCRYPTION_KEYS`: use the first, accept all. Outside production a
 * missing key is made once and kept under `DATA_DIR/keys`.
 */
export function deriveKeys(env: Env, purpose: string): Buffer[] {
  const masters =
    env.ENCRYPTION_KEYS.length > 0 ? env.ENCRYPTION_KEYS : [keptSecret(env, 'encryption-key', () => randomBytes(32).toString('base64'))];
  return masters.map((master) => Buffer.from(hkdfSync('sha256', Buffer.from(master, 'base64'), '', `ashlar/${purpose}`, 32)));
}

/** Reads a development secret, or makes it; of two processes that start at once, the file system lets one write. */
export function keptSecret(env: Env, name: string, make: () => string): string {
  if (env.isProduction) throw new Error(`${name} must be configured in production`);
  const folder = join(env.DATA_DIR, 'keys');
  const path = join(folder, name);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    writeFileSync(path, make(), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  return readFileSync(path, 'utf8').trim();
}
