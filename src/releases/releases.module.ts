import { Module } from '@nestjs/common';
import { PostsModule } from '../posts/posts.module.js';
import { ProductsModule } from '../products/products.module.js';
import { ChangesService } from './changes.service.js';
import { ItemsController } from './items.controller.js';
import { ItemsService } from './items.service.js';
import { PublicationsService } from './publications.service.js';
import { ReleasesController } from './releases.controller.js';
import { ReleasesPrivacy } from './releases.privacy.js';
import { ReleasesService } from './releases.service.js';
import { RollbacksService } from './rollbacks.service.js';

@Module({
  imports: [PostsModule, ProductsModule],
  controllers: [ReleasesController, ItemsController],
  providers: [ReleasesService, ItemsService, ChangesService, PublicationsService, RollbacksService, ReleasesPrivacy],
})
export class ReleasesModule {}
