import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems, PubliclyCached } from '#http';
import { Actor, Caller, Public, Requires } from '#security';
import { CreateSeriesDto, ListSeriesQuery, SeriesList, SeriesResponse, SeriesSummaryResponse, UpdateSeriesDto } from './series.dto.js';
import { notYourSeries, seriesNotFound, seriesSlugTaken } from './series.errors.js';
import { seriesMadeOf } from './series.rules.js';
import { SeriesService } from './series.service.js';

@Controller('series')
export class SeriesController {
  constructor(private readonly series: SeriesService) {}

  /** List series: those with published posts, and your own */
  @Get()
  @Public()
  @PubliclyCached(0, ({ items }: SeriesList) => seriesMadeOf(items, ['posts', 'series']))
  async list(@Caller() actor: Actor | null, @Query() query: ListSeriesQuery): Promise<SeriesList> {
    const page = await this.series.list(actor, query);
    return { ...page, items: page.items.map(SeriesSummaryResponse.from) };
  }

  /**
   * Begin a series
   *
   * Posts join it by their `seriesId`.
   */
  @Post()
  @Requires('posts:write')
  @Creates('/series/:id')
  @Problems(seriesSlugTaken)
  create(@Caller() actor: Actor, @Body() series: CreateSeriesDto, @Idempotent() once: Once): Promise<SeriesResponse> {
    return once.do(async (db) => SeriesResponse.from(await this.series.create(actor, series, db)));
  }

  /** Read a series, with its posts in their order */
  @Get(':idOrSlug')
  @Public()
  @PubliclyCached(0, (series: SeriesResponse) => seriesMadeOf([series], [`series:${series.id}`]))
  @Problems(seriesNotFound)
  async get(@Caller() actor: Actor | null, @Param('idOrSlug') idOrSlug: string): Promise<SeriesResponse> {
    return SeriesResponse.from(await this.series.get(actor, idOrSlug));
  }

  /** Change a series */
  @Patch(':id')
  @Requires('posts:write')
  @Problems(seriesNotFound, notYourSeries, seriesSlugTaken)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateSeriesDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<SeriesResponse> {
    return SeriesResponse.from(await this.series.update(actor, id, changes, expected));
  }

  /** Delete a series; its posts stay */
  @Delete(':id')
  @Requires('posts:write')
  @HttpCode(204)
  @Problems(seriesNotFound, notYourSeries)
  delete(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @IfMatch() expected: ExpectedVersions): Promise<void> {
    return this.series.delete(actor, id, expected);
  }
}
