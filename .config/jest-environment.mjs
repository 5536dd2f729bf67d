import { ModuleMocker } from 'jest-mock';

/** The world of this process, for tests that Node itself loads (jest-runtime.mjs): one realm for tests, sources and packages. */
export default class NativeEnvironment {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  #found = { console: globalThis.console, exit: process.exit };

  constructor(_config, { docblockPragmas }) {
    /** Whether this file's sources are loaded for it alone: it defines jobs, events or the like, which no other file may meet. */
    this.apart = 'loaded-apart' in docblockPragmas;
  }

  async setup() {}

  /** Jest puts its own in their place for each file. */
  async teardown() {
    globalThis.console = this.#found.console;
    process.exit = this.#found.exit;
  }

  getVmContext() {
    return null;
  }
}
