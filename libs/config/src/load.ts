import { existsSync, readFileSync } from 'node:fs';
import { validateSync } from 'class-validator';
import { Env } from './env.js';

/** The configuration is unusable; the message lists every bad variable by name and rule, never by value. */
export class ConfigError extends Error {
  constructor(faults: string[]) {
    super(
      `The configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}\nSee .env.example for every variable and its meaning.`,
    );
    this.name = 'ConfigError';
  }
}

/**
 * Reads, validates and freezes the environment. In development a `.env` file in the working directory fills what is unset; `overrides`
 * win over everything.
 * @throws ConfigError naming every variable that is wrong
 */
export function loadEnv(source: NodeJS.ProcessEnv = process.env, overrides: NodeJS.ProcessEnv = {}): Readonly<Env> {
  if (source === process.env && (source.NODE_ENV ?? 'development') === 'development' && existsSync('.env')) process.loadEnvFile('.env');

  const env = new Env();
  const faults: string[] = [];
  const values = env as unknown as Record<string, unknown>;
  for (const name of Object.keys(env)) {
    const text = readVariable({ ...source, ...overrides }, name, faults);
    if (text !== undefined) values[name] = convert(text, values[name]);
  }
  for (const error of validateSync(env, { stopAtFirstError: true })) {
    faults.push(...Object.values(error.constraints ?? {}));
  }
  if (faults.length > 0) throw new ConfigError(faults);

  env.HOST ??= env.isProduction ? '0.0.0.0' : '127.0.0.1';
  env.PUBLIC_URL ??= `http://localhost:${env.PORT}`;
  env.MAIL_FROM ??= 'Ashlar <no-reply@localhost>';
  env.DATABASE_DIRECT_URL ??= env.DATABASE_URL;
  for (const value of Object.values(env)) if (Array.isArray(value)) Object.freeze(value);
  return Object.freeze(env);
}

/** An empty value counts as unset, so that `NAME=` in a compose file means the default. */
function readVariable(source: NodeJS.ProcessEnv, name: string, faults: string[]): string | undefined {
  const direct = source[name]?.trim() || undefined;
  const path = source[`${name}_FILE`]?.trim() || undefined;
  if (path === undefined) return direct;
  if (direct !== undefined) {
    faults.push(`${name} and ${name}_FILE are both set; keep one`);
    return undefined;
  }
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    faults.push(`${name}_FILE must name a readable file (${(error as NodeJS.ErrnoException).code ?? 'unreadable'})`);
    return undefined;
  }
}

/** The default's type decides; a number that is none stays text, and its rule says so. */
function convert(text: string, like: unknown): unknown {
  if (Array.isArray(like))
    return text
      .split(',')
      .map((part) => part.trim())
      .filter(Boolean);
  if (typeof like === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  return text;
}
