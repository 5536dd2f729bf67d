import { spawn } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The oldest Node that Ashlar runs on: what is imported here must do without it. */
const OLDEST = [22, 18] as const;
/** The Node that `npm ci` brings along. */
const BUNDLED = fileURLToPath(new URL('../../node_modules/.bin/node', import.meta.url));

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isOldEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);

/** Runs this file by the Node of the project, and ends as that does: with its exit code or signal, and never without it. */
function handOver(): void {
  if (!existsSync(BUNDLED)) {
    process.stderr.write(
      `Ashlar needs Node ${OLDEST.join('.')} or newer, and this is ${process.versions.node}: run "npm ci" without --omit=optional, which brings Node 26 along, or install a newer Node.\n`,
    );
    process.exit(1);
  }
  const endTogether = `data:text/javascript,process.once('disconnect',()=>process.kill(process.pid,'SIGKILL'))`;
  const child = spawn(BUNDLED, [...process.execArgv, '--import', endTogether, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

// Not `import.meta.main`, which old Nodes do not know.
if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  if (isOldEnough) await (await import('./server.js')).start({ managed: false });
  else handOver();
}
