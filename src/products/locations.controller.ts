import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Creates, type ExpectedVersions, Idempotent, IdPipe, IfMatch, type Once, Problems } from '#http';
import { Actor, Caller, Requires } from '#security';
import { CreateLocationDto, ListLocationsQuery, LocationList, LocationResponse, UpdateLocationDto } from './locations.dto.js';
import { LocationsService } from './locations.service.js';
import { locationCodeTaken, locationInUse, locationNotFound, tooManyLocations } from './products.errors.js';

@Controller('stock/locations')
export class LocationsController {
  constructor(private readonly locations: LocationsService) {}

  /** List the locations where goods lie, the newest first */
  @Get()
  @Requires('products:read')
  async list(@Caller() actor: Actor, @Query() query: ListLocationsQuery): Promise<LocationList> {
    const page = await this.locations.list(actor, query);
    return { ...page, items: page.items.map(LocationResponse.from) };
  }

  /** Add a location */
  @Post()
  @Requires('products:manage')
  @Creates('/stock/locations/:id')
  @Problems(locationCodeTaken, tooManyLocations)
  create(@Caller() actor: Actor, @Body() location: CreateLocationDto, @Idempotent() once: Once): Promise<LocationResponse> {
    return once.do(async (db) => LocationResponse.from(await this.locations.create(actor, location, db)));
  }

  /** Read a location */
  @Get(':id')
  @Requires('products:read')
  @Problems(locationNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<LocationResponse> {
    return LocationResponse.from(await this.locations.get(actor, id));
  }

  /** Change a location, or close it: it keeps its place in the ledger */
  @Patch(':id')
  @Requires('products:manage')
  @Problems(locationNotFound, locationCodeTaken, locationInUse)
  async update(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Body() changes: UpdateLocationDto,
    @IfMatch() expected: ExpectedVersions,
  ): Promise<LocationResponse> {
    return LocationResponse.from(await this.locations.update(actor, id, changes, expected));
  }
}
