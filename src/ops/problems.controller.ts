import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiProduces } from '@nestjs/swagger';
import { problemCatalogue } from '#errors';
import { notFound, Problems, PubliclyCached, STATUS } from '#http';
import { Public } from '#security';
import { ProblemKindList, ProblemKindResponse } from './problems.dto.js';
import { problemPage } from './problems.rules.js';

@Controller('problems')
@Public({ credentials: 'ignored' })
export class ProblemsController {
  /** Every problem an operation can answer with */
  @Get()
  @PubliclyCached(300)
  list(): ProblemKindList {
    const items = [...problemCatalogue().values()]
      .map((definition) => ProblemKindResponse.from(definition, STATUS[definition.kind]))
      .sort((a, b) => a.code.localeCompare(b.code));
    return { items, nextCursor: null };
  }

  /** What a problem means and what to do about it: the page its `type` names */
  @Get(':module/:what')
  @ApiProduces('text/html')
  @Header('Content-Type', 'text/html; charset=utf-8')
  @Header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
  @PubliclyCached(300)
  @Problems(notFound)
  page(@Param('module') module: string, @Param('what') what: string): string {
    const definition = problemCatalogue().get(`${module}/${what}`);
    if (definition === undefined) throw notFound('No problem has this code; all of them are listed at /problems.');
    return problemPage(definition, STATUS[definition.kind]);
  }
}
