export { createLogger, Logger, NestLogger } from './logger.js';
export { Metrics } from './metrics.js';
export { currentOrigin, type Origin, withOrigin } from './origin.js';
export { Seldom } from './seldom.js';
export { TelemetryModule } from './telemetry.module.js';
export { requestIdFrom, traceIdFrom } from './trace.js';
