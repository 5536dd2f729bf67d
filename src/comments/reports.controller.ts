import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { Creates, Idempotent, IdPipe, LimitedPerAccount, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { alreadyReported, commentNotFound, ownComment } from './comments.errors.js';
import { postNotFound } from '../posts/posts.errors.js';
import { ListReportsQuery, ReportCommentDto, ReportList, ReportResponse } from './reports.dto.js';
import { ReportsService } from './reports.service.js';

@Controller('comments/:id/reports')
export class ReportsController {
  constructor(private readonly reports: ReportsService) {}

  /** Report a comment to the moderators, once */
  @Post()
  @Requires('comments:write')
  @LimitedPerAccount({ name: 'reports', limit: 'REPORTS_PER_MINUTE' })
  @Creates('/comments/:commentId/reports')
  @Problems(commentNotFound, postNotFound, alreadyReported, ownComment)
  report(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() report: ReportCommentDto,
    @Idempotent() once: Once,
  ): Promise<ReportResponse> {
    return once.do(async (db) => ReportResponse.from(await this.reports.report(actor, id, report, db)));
  }

  /** List the reports of a comment */
  @Get()
  @Requires('comments:moderate')
  @Problems(commentNotFound)
  async list(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Query() query: ListReportsQuery): Promise<ReportList> {
    const page = await this.reports.list(actor, id, query);
    return { ...page, items: page.items.map(ReportResponse.from) };
  }
}
