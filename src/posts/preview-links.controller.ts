import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { LinksService } from '../files/links.service.js';
import { PostResponse } from './posts.dto.js';
import { notYourPost, postNotFound } from './posts.errors.js';
import { CreatePreviewLinkDto, PreviewLinkList, PreviewLinkResponse, PreviewQuery, SharedPreviewResponse } from './preview-links.dto.js';
import { previewEnded, previewLinkNotFound, tooManyPreviewLinks } from './preview-links.errors.js';
import { PreviewLinksService } from './preview-links.service.js';

@Controller('posts/:id')
export class PreviewLinksController {
  constructor(
    private readonly links: PreviewLinksService,
    private readonly files: LinksService,
  ) {}

  /**
   * Share a preview of a post
   *
   * Whoever has the link sees the post as it is, published or not, without a login, until the link expires, is revoked, or the post goes into
   * the trash. The answer shows the link, this once.
   */
  @Post('preview-links')
  @Requires('posts:write')
  @Creates('/posts/:postId/preview-links')
  @Problems(postNotFound, notYourPost, tooManyPreviewLinks)
  async create(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() link: CreatePreviewLinkDto,
  ): Promise<SharedPreviewResponse> {
    return SharedPreviewResponse.of(await this.links.create(actor, id, link));
  }

  /** List the preview links of a post that hold, the newest first */
  @Get('preview-links')
  @Requires('posts:write')
  @Problems(postNotFound, notYourPost)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<PreviewLinkList> {
    return { items: (await this.links.list(actor, id)).map(PreviewLinkResponse.from), nextCursor: null };
  }

  /** Revoke a preview link: it shows nothing from then on */
  @Delete('preview-links/:linkId')
  @Requires('posts:write')
  @HttpCode(204)
  @Problems(postNotFound, notYourPost, previewLinkNotFound)
  revoke(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Param('linkId', IdPipe) linkId: string): Promise<void> {
    return this.links.revoke(actor, id, linkId);
  }

  /** Read a post by a preview link */
  @Get('preview')
  @Public()
  @Header('Cache-Control', 'no-store')
  @Header('X-Robots-Tag', 'noindex')
  @Problems(previewEnded)
  async read(@Param('id', IdPipe) id: string, @Query() { token }: PreviewQuery): Promise<PostResponse> {
    return PostResponse.from(await this.links.read(id, token), this.files);
  }
}
