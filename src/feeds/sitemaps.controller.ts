import { Controller, Get, Param, Res, StreamableFile } from '@nestjs/common';
import { AnswersDocument, Problems, PubliclyCached } from '#http';
import { Public } from '#security';
import type { FastifyReply } from 'fastify';
import { SitemapPath } from './sitemaps.dto.js';
import { sitemapPageNotFound } from './sitemaps.errors.js';
import { type Sitemap, SitemapsService } from './sitemaps.service.js';

@Controller()
@Public({ credentials: 'ignored' })
export class SitemapsController {
  constructor(private readonly sitemaps: SitemapsService) {}

  /** Every published post for crawlers: a sitemap, or beyond 50,000 posts the index of several */
  @Get('sitemap.xml')
  @AnswersDocument('application/xml')
  @PubliclyCached('POSTS_MAX_AGE_SECONDS')
  async root(@Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    return send(reply, await this.sitemaps.root());
  }

  /** A page of the sitemap, of those that the index lists */
  @Get('sitemaps/:page')
  @AnswersDocument('application/xml')
  @PubliclyCached('POSTS_MAX_AGE_SECONDS')
  @Problems(sitemapPageNotFound)
  async page(@Param() { page }: SitemapPath, @Res({ passthrough: true }) reply: FastifyReply): Promise<StreamableFile> {
    return send(reply, await this.sitemaps.numbered(page));
  }
}

function send(reply: FastifyReply, sitemap: Sitemap): StreamableFile {
  reply.header('ETag', sitemap.etag);
  return new StreamableFile(sitemap.open(), { type: 'application/xml; charset=utf-8' });
}
