import { Injectable } from '@nestjs/common';
import { Env } from '#config';
import { PrismaService } from '#database';
import { endOfLog, positionAt, type Published, readWhole } from '#events';
import type { ResetReason } from './streams.rules.js';

const PAGE = 100;
/** When a process ends, all its readers come back at once; they share the connections of the pool with the requests. */
const AT_ONCE = 4;

/** What readers missed while they were away, a page at a time. Of those who ask at the same time, few are read for. */
@Injectable()
export class BacklogService {
  private free = AT_ONCE;
  private readonly waiting: (() => void)[] = [];

  constructor(
    private readonly prisma: PrismaService,
    private readonly env: Env,
  ) {}

  /** The present end of the log. */
  end(): Promise<string> {
    return endOfLog(this.prisma);
  }

  /** Why nobody can go on behind this place; null as far as can be said without reading. `tail`: how far the log is known to reach. */
  async obstacle(after: string, tail: string): Promise<ResetReason | null> {
    // Another process may be ahead of ours by a moment; the log itself is not.
    if (after > tail) return after > (await this.end()) ? 'unknown' : null;
    return positionAt(tail)! - positionAt(after)! > this.env.STREAMS_RESUME_EVENTS ? 'too-far-behind' : null;
  }

  /** The next events behind `after`; null when some of them are gone. `known`: a place the log is known to reach. */
  async read(after: string, known: string): Promise<Published[] | null> {
    if (this.free > 0) this.free -= 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await readWhole(this.prisma, { after, limit: PAGE, known });
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.free += 1;
    }
  }
}
