export { ConfigModule } from './config.module.js';
export { decrypt, encrypt, type NamedKey, namedKeys } from './encryption.js';
export { Env } from './env.js';
export { ConfigError, loadEnv } from './load.js';
export { type OAuthProvider, oauthProviders } from './oauth-providers.js';
export { deriveKeys, keptSecret } from './secrets.js';
