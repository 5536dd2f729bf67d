// `node .config/diagram.mjs`: draws the map of dependency-cruiser.js as Mermaid; with --write, into README.md; with --check it says whether
// that is done.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FEATURES, LIBS } from './dependency-cruiser.js';

const root = join(import.meta.dirname, '..');
const exists = (folder) => existsSync(join(root, folder));

/** The rooms that are built; the map has room for more. */
function mermaid() {
  const levels = LIBS.map((level) => level.filter((lib) => exists(`libs/${lib}`)))
    .filter((level) => level.length > 0)
    .reverse();
  const features = Object.entries(FEATURES)
    .filter(([feature]) => exists(`src/${feature}`))
    .map(([feature, neighbours]) => [feature, neighbours.filter((neighbour) => exists(`src/${neighbour}`))]);
  return [
    'flowchart TD',
    '  subgraph src [src: features]',
    `    ${features.map(([feature]) => feature).join(' & ')}`,
    '  end',
    '  subgraph libs [libs: each knows those below it]',
    ...levels.map((level, height) => `    libs${height}["${level.join(' · ')}"]`),
    `    ${levels.map((_, height) => `libs${height}`).join(' --> ')}`,
    '  end',
    ...[...Map.groupBy(features, ([, neighbours]) => neighbours.join(' & '))]
      .filter(([neighbours]) => neighbours !== '')
      .map(([neighbours, same]) => `  ${same.map(([feature]) => feature).join(' & ')} --> ${neighbours}`),
    '  src --> libs',
  ].join('\n');
}

const drawn = `\`\`\`mermaid\n${mermaid()}\n\`\`\``;
const path = join(root, 'README.md');
const text = readFileSync(path, 'utf8');
const right = text.replace(/(<!-- modules:begin -->)[\s\S]*(<!-- modules:end -->)/, (_, begin, end) => `${begin}\n${drawn}\n${end}`);
if (process.argv.includes('--write')) writeFileSync(path, right);
else if (!process.argv.includes('--check')) console.log(drawn);
else if (text !== right) {
  console.error('The picture in README.md is not that of .config/dependency-cruiser.js: run npm run diagram.');
  process.exitCode = 1;
}
