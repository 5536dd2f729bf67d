import { existsSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import Runtime from 'jest-runtime';
import { bind } from './jest-globals.mjs';

const GLOBALS = new URL('./jest-globals.mjs', import.meta.url).href;
const MODULES = {
  isInternalModule: false,
  supportsStaticESM: true,
  supportsDynamicImport: true,
  supportsExportNamespaceFrom: true,
  supportsTopLevelAwait: true,
};
const require = createRequire(import.meta.url);

/** By URL. They outlive their test file, as the modules do. */
const sourceMaps = new Map();
let files = 0;
/** By the transformer of the file that runs. */
let transform;

const isSource = (url) => /^file:(?!.*\/node_modules\/).*\.ts(\?|$)/.test(url);

/** The source that a specifier of TypeScript means: `./x.js` is `x.ts`, and an alias is what the compiler takes for it. */
function resolveSource(specifier, context, next) {
  if (specifier.startsWith('#')) return next(specifier, { ...context, conditions: ['types', ...context.conditions] });
  const source = specifier.startsWith('.') && new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
  return next(source && existsSync(source) ? source.href : specifier, context);
}

registerHooks({
  resolve(specifier, context, next) {
    if (specifier === '@jest/globals') return next(GLOBALS, context);
    if (!isSource(context.parentURL)) return next(specifier, context);
    const resolved = resolveSource(specifier, context, next);
    // What a file that is loaded apart imports is loaded apart, too.
    return isSource(resolved.url) ? { ...resolved, url: resolved.url + new URL(context.parentURL).search } : resolved;
  },
  load(url, context, next) {
    if (!isSource(url)) return next(url, context);
    const { code, sourceMapPath } = transform(fileURLToPath(url));
    sourceMaps.set(url, sourceMapPath);
    return { format: 'module', source: code, shortCircuit: true };
  },
});

/**
 * Has Node itself load what tests import, instead of Jest's world of modules, of which each test file gets a new one: here a worker loads
 * the application and its packages once, and is warm from then on. There are no mocks of modules, and no `jest.resetModules()`.
 */
export default class NativeRuntime extends Runtime {
  constructor(config, environment, resolver, transformer, cacheFS, coverage, ...rest) {
    super(config, environment, resolver, transformer, cacheFS, coverage, ...rest);
    this.apart = environment.apart;
    transform = (file) => transformer.transform(file, { ...MODULES, ...coverage });
  }

  /** `process` is the real one here. */
  installGetBuiltinModule() {}

  /** jest-circus, whose module is the state of one test file. */
  requireInternalModule(file) {
    delete require.cache[file];
    delete globalThis[Symbol.for('EVENT_HANDLERS')];
    return require(file);
  }

  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(file) {
    bind(this.jestGlobals.cjsGlobals(file));
    const { href } = pathToFileURL(file);
    await import(this.apart ? `${href}?${++files}` : href);
  }

  getSourceMaps() {
    return sourceMaps;
  }

  teardown() {
    super.teardown();
    for (const key of Object.getOwnPropertySymbols(globalThis)) if (key.description === 'JEST_STATE_SYMBOL') delete globalThis[key];
  }
}
