import { Injectable } from '@nestjs/common';
import { inBatches, type JobRun, Schedule } from '#jobs';
import { AutosavesService } from './autosaves.service.js';
import { PreviewLinksService } from './preview-links.service.js';
import { TrashService } from './trash.service.js';

/** Deletes what nobody came back for: posts in the trash, what was typed and not saved, links that have expired. */
@Injectable()
export class LeftoversJobs {
  constructor(
    private readonly trash: TrashService,
    private readonly autosaves: AutosavesService,
    private readonly links: PreviewLinksService,
  ) {}

  @Schedule('posts.purge', '43 * * * *')
  async purge({ signal }: JobRun): Promise<void> {
    await this.trash.purge(signal);
    await inBatches(signal, (limit) => this.autosaves.purge(limit));
    await inBatches(signal, (limit) => this.links.purge(limit));
  }
}
