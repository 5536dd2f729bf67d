// `npm run datamap`: writes the map of personal data in docs/privacy.md from the marks in the schema; with --check it only says whether the
// file is true.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { prismaFolder } from '../libs/database/src/migrations.js';
import { faultsOf, render } from './datamap.rules.js';

const BEGIN = '<!-- datamap:begin -->';
const END = '<!-- datamap:end -->';

const folder = join(prismaFolder(), 'models');
const file = join(prismaFolder(), '../docs/privacy.md');
const schema = readdirSync(folder)
  .filter((name) => name.endsWith('.prisma'))
  .sort()
  .map((name) => readFileSync(join(folder, name), 'utf8'))
  .join('\n');

function run(check: boolean): string[] {
  const faults = faultsOf(schema);
  if (faults.length > 0) return faults;
  const text = readFileSync(file, 'utf8');
  const [before, after] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (before < 0 || after < before) return [`docs/privacy.md has lost the lines ${BEGIN} and ${END}, between which the map stands.`];
  const wanted = `${text.slice(0, before)}${BEGIN}\n\n${render(schema)}\n\n${text.slice(after)}`;
  if (wanted === text) return [];
  if (check) return ['The map in docs/privacy.md is not what the schema says any more; run npm run datamap.'];
  writeFileSync(file, wanted);
  return [];
}

const faults = run(process.argv.includes('--check'));
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exitCode = 1;
