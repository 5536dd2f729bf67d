import { Body, Controller, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Creates, IdPipe, Problems } from '#http';
import { Actor, Caller, SessionOnly, SignedIn, StepUp } from '#security';
import { IdentityList, IdentityResponse } from './identities.dto.js';
import { identityNotFound, identityTaken, lastWayToLogIn } from './identities.errors.js';
import { IdentitiesService } from './identities.service.js';
import { BeginLinkDto, LinkIdentityDto, LinkUrlResponse } from './oauth.dto.js';
import { invalidOauthCode, invalidOauthStart, oauthProviderNotFound, returnUrlNotAllowed } from './oauth.errors.js';
import { OAuthService } from './oauth.service.js';

@Controller('auth/identities')
@SignedIn()
export class IdentitiesController {
  constructor(
    private readonly identities: IdentitiesService,
    private readonly oauth: OAuthService,
  ) {}

  /** List the accounts elsewhere that I sign in with */
  @Get()
  @SessionOnly()
  async list(@Caller() actor: Actor): Promise<IdentityList> {
    return { items: (await this.identities.list(actor)).map(IdentityResponse.from), nextCursor: null };
  }

  /**
   * Link an account elsewhere to mine: finish
   *
   * With the code that the browser came back with, by the session that asked for it.
   */
  @Post()
  @StepUp()
  @Creates('/auth/identities')
  @Problems(invalidOauthCode, identityTaken)
  async link(@Caller() actor: Actor, @Body() body: LinkIdentityDto): Promise<IdentityResponse> {
    return IdentityResponse.from(await this.identities.link(actor, body));
  }

  /**
   * Link an account elsewhere to mine: begin
   *
   * Open the `url` of the answer in the browser; it comes back to `returnTo` with a `code` for POST /auth/identities.
   */
  @Post(':provider')
  @StepUp()
  @HttpCode(200)
  @Problems(oauthProviderNotFound, invalidOauthStart, returnUrlNotAllowed)
  async begin(@Caller() actor: Actor, @Param('provider') provider: string, @Body() body: BeginLinkDto): Promise<LinkUrlResponse> {
    return { url: await this.oauth.beginLink(actor, provider, body) };
  }

  /** Remove an account elsewhere from mine; the last way to log in stays */
  @Delete(':id')
  @StepUp()
  @HttpCode(204)
  @Problems(identityNotFound, lastWayToLogIn)
  async unlink(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<void> {
    await this.identities.unlink(actor, id);
  }
}
