import { Controller, Delete, Param, Put } from '@nestjs/common';
import { IdPipe, LimitedPerAccount, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { commentsClosed } from './comments.errors.js';
import { LikeResponse } from './likes.dto.js';
import { LikesService } from './likes.service.js';
import { postNotFound } from '../posts/posts.errors.js';

@Controller('posts/:id/like')
@Requires('comments:write')
export class LikesController {
  constructor(private readonly likes: LikesService) {}

  /** Like a post; once is enough */
  @Put()
  @LimitedPerAccount({ name: 'likes', limit: 'LIKES_PER_MINUTE' })
  @Problems(postNotFound, commentsClosed)
  async like(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<LikeResponse> {
    return LikeResponse.from(await this.likes.like(actor, id));
  }

  /** Take a like back */
  @Delete()
  @LimitedPerAccount({ name: 'likes', limit: 'LIKES_PER_MINUTE' })
  @Problems(postNotFound)
  async unlike(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<LikeResponse> {
    return LikeResponse.from(await this.likes.unlike(actor, id));
  }
}
