import { createReadStream } from 'node:fs';
import { Controller, Get, Header, Param, StreamableFile, UseGuards } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { notFound } from '#http';
import { Public } from '#security';
import { DocsGuard } from './docs.guard.js';
import { DocsService } from './docs.service.js';

const HTML = 'text/html; charset=utf-8';
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Swagger UI and the document it shows. */
@Controller()
@ApiExcludeController()
@Public()
@UseGuards(DocsGuard)
export class DocsController {
  constructor(private readonly docs: DocsService) {}

  @Get('docs')
  @Header('Content-Type', HTML)
  @Header('Content-Security-Policy', CSP)
  page(): string {
    return this.docs.page;
  }

  @Get('docs/setup.js')
  @Header('Content-Type', 'text/javascript; charset=utf-8')
  script(): string {
    return this.docs.script;
  }

  @Get('docs/:asset')
  @Header('Cache-Control', 'public, max-age=86400')
  asset(@Param('asset') name: string): StreamableFile {
    const asset = this.docs.asset(name);
    if (asset === null) throw notFound('The documentation has no such file; it begins at /docs.');
    return new StreamableFile(createReadStream(asset.path), { type: asset.type });
  }

  @Get('openapi.json')
  document(): Promise<object> {
    return this.docs.document();
  }
}
