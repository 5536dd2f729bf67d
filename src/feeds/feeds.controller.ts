import { Controller, Get, Query } from '@nestjs/common';
import { AnswersDocument, PubliclyCached, type TextDocument } from '#http';
import { Public } from '#security';
import { FeedQuery } from './feeds.dto.js';
import { FeedsService } from './feeds.service.js';

const tagsOf = ({ tags }: TextDocument) => tags;

@Controller('feeds')
@Public({ credentials: 'ignored' })
export class FeedsController {
  constructor(private readonly feeds: FeedsService) {}

  /** The newest posts as RSS 2.0 */
  @Get('posts.rss')
  @AnswersDocument('application/rss+xml')
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', tagsOf)
  rss(@Query() query: FeedQuery): Promise<TextDocument> {
    return this.feeds.read('rss', query);
  }

  /** The newest posts as Atom (RFC 4287) */
  @Get('posts.atom')
  @AnswersDocument('application/atom+xml')
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', tagsOf)
  atom(@Query() query: FeedQuery): Promise<TextDocument> {
    return this.feeds.read('atom', query);
  }

  /** The newest posts as JSON Feed 1.1 */
  @Get('posts.json')
  @AnswersDocument('application/feed+json', 'object')
  @PubliclyCached('POSTS_MAX_AGE_SECONDS', tagsOf)
  json(@Query() query: FeedQuery): Promise<TextDocument> {
    return this.feeds.read('json', query);
  }
}
