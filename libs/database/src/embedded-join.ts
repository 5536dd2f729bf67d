import { FolderInUseError, readState } from './embedded-cluster.js';
import { type Embedded, type EmbeddedOptions, startEmbedded, urlOf } from './embedded.js';

/**
 * The server of the process that owns the data folder, where one lives, or else one of our own: for commands that work beside a running
 * application. Stopping it leaves another's server alone.
 */
export async function joinEmbedded(options: EmbeddedOptions): Promise<Embedded> {
  try {
    return await startEmbedded(options);
  } catch (error) {
    const state = error instanceof FolderInUseError ? await readState(options.dataDir) : undefined;
    if (state === undefined) throw error;
    return { url: urlOf(state), dataDir: options.dataDir, port: state.port, stop: async () => undefined };
  }
}
