export { ConfigModule } from './config.module.js';
export { Env } from './env.js';
export { ConfigError, loadEnv } from './load.js';
export { deriveKeys, keptSecret } from './secrets.js';
