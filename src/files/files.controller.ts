import { Controller, Delete, Get, HttpCode, Param, Post, Query, type StreamableFile } from '@nestjs/common';
import {
  type ContentReply,
  Creates,
  fileTooLarge,
  type FileUpload,
  Idempotent,
  IdPipe,
  type Once,
  Problems,
  rangeNotSatisfiable,
  Sends,
  SendsContent,
  TakesFile,
  Upload,
  uploadMalformed,
} from '#http';
import { Actor, Caller, Public, Requires, SignedIn } from '#security';
import { ArrivalsService } from './arrivals.service.js';
import { ContentQuery, FileResponse } from './files.dto.js';
import {
  badFileName,
  emptyFile,
  fileInUse,
  fileNotFound,
  imageRefused,
  linkExpired,
  quotaExceeded,
  typeRefused,
  variantNotFound,
} from './files.errors.js';
import { FilesService } from './files.service.js';
import { LinksService } from './links.service.js';

@Controller('files')
export class FilesController {
  constructor(
    private readonly files: FilesService,
    private readonly arrivals: ArrivalsService,
    private readonly links: LinksService,
  ) {}

  /**
   * Upload a file
   *
   * As a form with one part, `file`. What it holds, its Content-Type and the end of its name must agree. Of images, smaller pictures are made
   * in the background.
   */
  @Post()
  @Requires('files:write')
  @Creates('/files/:id')
  @TakesFile('file')
  @Problems(uploadMalformed, fileTooLarge, typeRefused, imageRefused, badFileName, emptyFile, quotaExceeded)
  upload(@Caller() actor: Actor, @Upload() upload: FileUpload, @Idempotent() once: Once): Promise<FileResponse> {
    return this.arrivals.receive(actor, upload, ({ id, ...file }) =>
      once.do(async (db) => FileResponse.from(await this.files.add(actor, { id, ...file }, db), this.links), {
        ...file,
        sha256: file.sha256.toString('hex'),
      }),
    );
  }

  /** What is known of a file, with links to its content */
  @Get(':id')
  @SignedIn()
  @Problems(fileNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<FileResponse> {
    return FileResponse.from(await this.files.get(actor, id), this.links);
  }

  /**
   * Read a file
   *
   * With the login of its owner, or by a link that stands in the file's `url`. What a browser could run is sent as an attachment.
   */
  @Get(':id/content')
  @Public()
  @SendsContent()
  @Problems(fileNotFound, variantNotFound, linkExpired, rangeNotSatisfiable)
  async content(
    @Caller() actor: Actor | null,
    @Param('id', IdPipe) id: string,
    @Query() { variant, ...link }: ContentQuery,
    @Sends() reply: ContentReply,
  ): Promise<StreamableFile | undefined> {
    return reply.send(await this.files.content(actor, id, variant, this.links.isGranted('read', id, link)));
  }

  /** Delete a file, and its bytes */
  @Delete(':id')
  @SignedIn()
  @HttpCode(204)
  @Problems(fileNotFound, fileInUse)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    return this.files.remove(actor, id);
  }
}
