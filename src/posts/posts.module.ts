import { Module } from '@nestjs/common';
import { PostsController } from './posts.controller.js';
import { PostsPrivacy } from './posts.privacy.js';
import { PostsService } from './posts.service.js';

@Module({ controllers: [PostsController], providers: [PostsService, PostsPrivacy], exports: [PostsService] })
export class PostsModule {}
