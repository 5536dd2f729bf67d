import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { CategoriesController } from './categories.controller.js';
import { CategoriesService } from './categories.service.js';
import { LocationsController } from './locations.controller.js';
import { LocationsService } from './locations.service.js';
import { PicturesService } from './pictures.service.js';
import { PriceListsController } from './price-lists.controller.js';
import { PriceListsService } from './price-lists.service.js';
import { ProductsController } from './products.controller.js';
import { ProductsPrivacy } from './products.privacy.js';
import { ProductsService } from './products.service.js';
import { StockInvariants } from './stock.invariants.js';
import { StockService } from './stock.service.js';
import { VariantFilesService } from './variant-files.service.js';
import { VariantImportsController } from './variant-imports.controller.js';
import { VariantImportsPrivacy } from './variant-imports.privacy.js';
import { VariantImportsService } from './variant-imports.service.js';
import { VariantLinesService } from './variant-lines.service.js';
import { VariantRunsService } from './variant-runs.service.js';
import { VariantsController } from './variants.controller.js';
import { VariantsService } from './variants.service.js';

@Module({
  imports: [FilesModule],
  controllers: [
    VariantImportsController,
    ProductsController,
    VariantsController,
    CategoriesController,
    PriceListsController,
    LocationsController,
  ],
  providers: [
    ProductsService,
    VariantsService,
    PicturesService,
    CategoriesService,
    StockService,
    LocationsService,
    StockInvariants,
    ProductsPrivacy,
    PriceListsService,
    VariantFilesService,
    VariantLinesService,
    VariantRunsService,
    VariantImportsService,
    VariantImportsPrivacy,
  ],
  exports: [ProductsService, VariantsService, StockService],
})
export class ProductsModule {}
