import { Controller, Get, Param, Post, Res, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import { Env } from '#config';
import { Accepts, apiUrl, Idempotent, IdPipe, type Once, Problems } from '#http';
import { exportNotFound, exportNotReady, Exports } from '#privacy';
import { Actor, Caller, SignedIn } from '#security';
import type { FastifyReply } from 'fastify';
import { ExportResponse } from './exports.dto.js';
import { UsersService } from './users.service.js';

@Controller('users/me')
@SignedIn()
export class ExportsController {
  constructor(
    private readonly exports: Exports,
    private readonly users: UsersService,
    private readonly env: Env,
  ) {}

  /**
   * Ask for a copy of everything that is held about me
   *
   * It is made in the background; read it where `Location` says until its `status` is `ready`. While one is under way, asking again answers
   * with that one. The next one that becomes ready replaces it.
   */
  @Post('export')
  @Accepts('/users/me/exports/:id')
  request(@Caller() actor: Actor, @Idempotent() once: Once): Promise<ExportResponse> {
    return once.do(async (db) => ExportResponse.from(await this.users.requestExport(actor, db), apiUrl(this.env)));
  }

  /** How far a copy of my data is */
  @Get('exports/:id')
  @Problems(exportNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ExportResponse> {
    return ExportResponse.from(await this.exports.get(actor.id, id), apiUrl(this.env));
  }

  /** Fetch a copy of my data: a ZIP of JSON files, of which `contents.json` lists the others */
  @Get('exports/:id/content')
  @ApiProduces('application/zip')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  @Problems(exportNotFound, exportNotReady)
  async content(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const { bytes, size, sha256, createdAt } = await this.exports.content(actor.id, id);
    reply.header('ETag', `"${sha256.toString('base64url')}"`);
    const filename = `export-${createdAt.toISOString().slice(0, 10)}.zip`;
    return new StreamableFile(bytes, { type: 'application/zip', length: size, disposition: `attachment; filename="${filename}"` });
  }
}
