import { Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Accepts, fileTooLarge, type FileUpload, Idempotent, IdPipe, type Once, Problems, TakesFile, Upload, uploadMalformed } from '#http';
import { Actor, Caller, Requires } from '#security';
import { ImportList, ImportOptionsQuery, ImportResponse, ImportSummaryResponse, ListImportsQuery } from './imports.dto.js';
import { importNotAllowed, importNotFound, importOver, importUnreadable, tooManyImports } from './imports.errors.js';
import { ImportsService } from './imports.service.js';

@Controller('posts/imports')
@Requires('posts:write')
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  /**
   * Import posts from Markdown files with front matter
   *
   * As a form with one part, `file`: a ZIP of a folder, or one Markdown file. Read what becomes of it where `Location` says, until its `status`
   * is `done`, `failed` or `cancelled`. Importing the same files again changes nothing; files that have changed change their posts.
   */
  @Post()
  @Accepts('/posts/imports/:id')
  @TakesFile('file', { limit: 'POSTS_IMPORT_MAX_BYTES' })
  @Problems(uploadMalformed, fileTooLarge, importUnreadable, importNotAllowed, tooManyImports)
  import(
    @Caller() actor: Actor,
    @Query() options: ImportOptionsQuery,
    @Upload() upload: FileUpload,
    @Idempotent() once: Once,
  ): Promise<ImportResponse> {
    return this.imports.receive(actor, options, upload, (arrived) =>
      once.do(async (db) => ImportResponse.from(await this.imports.request(actor, options, arrived, db)), {
        name: arrived.name,
        sha256: arrived.sha256.toString('hex'),
      }),
    );
  }

  /** List imports of mine */
  @Get()
  async list(@Caller() actor: Actor, @Query() query: ListImportsQuery): Promise<ImportList> {
    const page = await this.imports.list(actor, query);
    return { ...page, items: page.items.map(ImportSummaryResponse.from) };
  }

  /** How far an import is, and what became of its files */
  @Get(':id')
  @Problems(importNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ImportResponse> {
    return ImportResponse.from(await this.imports.get(actor, id));
  }

  /** Cancel an import; posts that it has written stay */
  @Post(':id/cancellation')
  @HttpCode(200)
  @Problems(importNotFound, importOver)
  cancel(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<ImportResponse> {
    return once.do(async (db) => ImportResponse.from(await this.imports.cancel(actor, id, db)));
  }
}
