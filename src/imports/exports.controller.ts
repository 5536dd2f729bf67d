import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import { MadeAnew } from '#http';
import { Actor, Caller, Requires } from '#security';
import { ExportPostsQuery } from './exports.dto.js';
import { PostExportsService } from './exports.service.js';

@Controller('posts')
export class PostExportsController {
  constructor(private readonly exports: PostExportsService) {}

  /**
   * Export my posts as a ZIP of Markdown files with front matter
   *
   * Pictures of yours that they show lie beside them. Whoever may manage posts gets everybody's. What is exported can be imported again, here or
   * elsewhere.
   */
  @Get('export.zip')
  @Requires('posts:write')
  @MadeAnew()
  @ApiProduces('application/zip')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  zip(@Caller() actor: Actor, @Query() query: ExportPostsQuery): StreamableFile {
    const filename = `posts-${new Date().toISOString().slice(0, 10)}.zip`;
    return new StreamableFile(this.exports.zip(actor, query), {
      type: 'application/zip',
      disposition: `attachment; filename="${filename}"`,
    });
  }
}
