import { Module } from '@nestjs/common';
import { ArrivalsService } from './arrivals.service.js';
import { ContentsService } from './contents.service.js';
import { FilesController } from './files.controller.js';
import { FilesPrivacy } from './files.privacy.js';
import { FilesService } from './files.service.js';
import { LinksService } from './links.service.js';
import { SweepsService } from './sweeps.service.js';
import { UploadsController } from './uploads.controller.js';
import { UploadsService } from './uploads.service.js';
import { VariantsService } from './variants.service.js';

@Module({
  controllers: [UploadsController, FilesController],
  providers: [FilesService, ArrivalsService, UploadsService, ContentsService, LinksService, VariantsService, SweepsService, FilesPrivacy],
  exports: [FilesService, ArrivalsService, LinksService],
})
export class FilesModule {}
