// `npm start`, run by Node as it stands: only types that can be erased, and nothing of dist before it is built.

interface Build {
  build: (options: { ifChanged: boolean }) => Promise<boolean>;
}

interface Application {
  start: (options: { managed: boolean }) => Promise<void>;
}

const load = (path: string): Promise<unknown> => import(new URL(path, import.meta.url).href);

/** npm ends at once on SIGTERM and tells nobody, so a process that lost its parent stops by itself. */
function stopWithParent(): void {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    process.kill(process.pid, 'SIGTERM');
  }, 1000);
  timer.unref();
}

async function main(): Promise<void> {
  stopWithParent();
  const { build } = (await load('../.config/build.mjs')) as Build;
  if (await build({ ifChanged: true })) console.log('Built the application.');
  const { start } = (await load('../dist/src/server.js')) as Application;
  await start({ managed: true });
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
