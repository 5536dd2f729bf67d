import { Registry } from 'prom-client';

/** What this process tells Prometheus at `/metrics`. Names begin with `ashlar_`; a gauge that is read from the database sets itself in `collect`. */
export class Metrics extends Registry {}
