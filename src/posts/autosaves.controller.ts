import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { IdPipe, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { AutosaveDto, AutosaveResponse } from './autosaves.dto.js';
import { autosaveNotFound } from './autosaves.errors.js';
import { AutosavesService } from './autosaves.service.js';
import { notYourPost, postNotFound } from './posts.errors.js';

@Controller('posts/:id/autosave')
@Requires('posts:write')
export class AutosavesController {
  constructor(private readonly autosaves: AutosavesService) {}

  /** Read what I have typed into a post and not saved */
  @Get()
  @Problems(postNotFound, notYourPost, autosaveNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<AutosaveResponse> {
    return AutosaveResponse.from(await this.autosaves.get(actor, id));
  }

  /**
   * Keep what I have typed into a post so far
   *
   * It takes the place of what was kept before, is for me alone, and makes no version of the post. Saving the post clears it. The answer says
   * whether the post was changed since the version that I began from, what of it, by whom and when.
   */
  @Put()
  @Problems(postNotFound, notYourPost, autosaveNotFound)
  async keep(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Body() autosave: AutosaveDto): Promise<AutosaveResponse> {
    return AutosaveResponse.from(await this.autosaves.keep(actor, id, autosave));
  }

  /** Forget what I have typed into a post and not saved */
  @Delete()
  @HttpCode(204)
  @Problems(postNotFound, notYourPost)
  discard(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    return this.autosaves.discard(actor, id);
  }
}
