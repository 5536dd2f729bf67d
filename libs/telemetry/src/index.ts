export { createLogger, Logger, NestLogger } from './logger.js';
export { TelemetryModule } from './telemetry.module.js';
export { requestIdFrom, type TraceContext, traceFrom } from './trace.js';
