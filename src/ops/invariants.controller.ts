import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { Idempotent, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { InvariantsResponse, RepairDto, RepairResponse } from './invariants.dto.js';
import { invariantNotFound, invariantNotRepairable } from './invariants.errors.js';
import { InvariantsService } from './invariants.service.js';

@Controller('ops/invariants')
export class InvariantsController {
  constructor(private readonly invariants: InvariantsService) {}

  /**
   * Look whether the books add up
   *
   * Everything that must hold of stock, orders and money, looked at now, with what breaks it. It reads whole tables; the schedule `invariants.check`
   * does the same every night.
   */
  @Get()
  @Requires('ops:read')
  async check(@Caller() actor: Actor): Promise<InvariantsResponse> {
    return InvariantsResponse.from(await this.invariants.check(actor));
  }

  /**
   * Repair what breaks an invariant
   *
   * A dry run, unless `dryRun` is false: the same repair, undone before anybody sees it, so that what it says is exactly what would be done.
   */
  @Post(':invariant/repair')
  @Requires('ops:manage')
  @HttpCode(200)
  @Problems(invariantNotFound, invariantNotRepairable)
  repair(
    @Caller() actor: Actor,
    @Param('invariant') id: string,
    @Body() { dryRun }: RepairDto,
    @Idempotent() once: Once,
  ): Promise<RepairResponse> {
    return once.do(async (db) => RepairResponse.from(await this.invariants.repair(actor, id, dryRun, db)));
  }
}
