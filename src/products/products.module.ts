import { Module } from '@nestjs/common';
import { FilesModule } from '../files/files.module.js';
import { CategoriesController } from './categories.controller.js';
import { CategoriesService } from './categories.service.js';
import { PicturesService } from './pictures.service.js';
import { ProductsController } from './products.controller.js';
import { ProductsPrivacy } from './products.privacy.js';
import { ProductsService } from './products.service.js';
import { StockService } from './stock.service.js';
import { VariantsController } from './variants.controller.js';

@Module({
  imports: [FilesModule],
  controllers: [ProductsController, VariantsController, CategoriesController],
  providers: [ProductsService, PicturesService, CategoriesService, StockService, ProductsPrivacy],
  exports: [ProductsService, StockService],
})
export class ProductsModule {}
