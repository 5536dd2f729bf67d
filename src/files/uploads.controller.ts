import { Body, Controller, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { ApiHeader } from '@nestjs/swagger';
import {
  Creates,
  fileTooLarge,
  type FileUpload,
  Idempotent,
  IdPipe,
  type Once,
  Problems,
  TakesBytes,
  Upload,
  uploadMalformed,
} from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { FileResponse } from './files.dto.js';
import {
  badFileName,
  emptyFile,
  imageRefused,
  linkExpired,
  quotaExceeded,
  typeRefused,
  uploadMismatch,
  uploadMissing,
  uploadNotFound,
} from './files.errors.js';
import { LinksService } from './links.service.js';
import { BeginUploadDto, UploadLinkQuery, UploadResponse } from './uploads.dto.js';
import { UploadsService } from './uploads.service.js';

@Controller('files/uploads')
export class UploadsController {
  constructor(
    private readonly uploads: UploadsService,
    private readonly links: LinksService,
  ) {}

  /**
   * Begin a direct upload
   *
   * Send the bytes to `url` by yourself, with exactly these `headers`: to the bucket, where there is one. Then complete the upload.
   */
  @Post()
  @Requires('files:write')
  @Creates('/files/:id')
  @Problems(fileTooLarge, typeRefused, badFileName, quotaExceeded)
  begin(@Caller() actor: Actor, @Body() announced: BeginUploadDto, @Idempotent() once: Once): Promise<UploadResponse> {
    return once.do(async (db) => UploadResponse.from(await this.uploads.begin(actor, announced, db)));
  }

  /** Send the bytes of a direct upload, where there is no bucket: the `url` of the upload leads here */
  @Put(':id/content')
  @Public()
  @HttpCode(204)
  @TakesBytes()
  @ApiHeader({ name: 'x-amz-checksum-sha256', required: false, description: 'As it stands in the `headers` of the upload.' })
  @Problems(uploadNotFound, uploadMismatch, linkExpired, uploadMalformed)
  async take(@Param('id', IdPipe) id: string, @Query() link: UploadLinkQuery, @Upload() upload: FileUpload): Promise<void> {
    this.links.check('upload', id, link);
    await this.uploads.take(id, upload);
  }

  /** Complete a direct upload: what was sent becomes a file, if it is what was announced */
  @Put(':id/completion')
  @Requires('files:write')
  @Problems(uploadNotFound, uploadMissing, uploadMismatch, typeRefused, imageRefused, badFileName, emptyFile, quotaExceeded)
  async complete(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<FileResponse> {
    return FileResponse.from(await this.uploads.complete(actor, id), this.links);
  }
}
