import { Controller, Get, HttpCode, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { ApiOkResponse, ApiProduces } from '@nestjs/swagger';
import {
  Accepts,
  fileTooLarge,
  type FileUpload,
  Idempotent,
  IdPipe,
  MadeAnew,
  type Once,
  Problems,
  TakesFile,
  Upload,
  uploadMalformed,
} from '#http';
import { Actor, Caller, Requires } from '#security';
import { VariantFilesService } from './variant-files.service.js';
import {
  ImportVariantsQuery,
  ListProductImportProblemsQuery,
  ListProductImportsQuery,
  ProductImportList,
  ProductImportProblemList,
  ProductImportProblemResponse,
  ProductImportResponse,
} from './variant-imports.dto.js';
import { productImportNotFound, productImportOver, tooManyProductImports } from './variant-imports.errors.js';
import { VariantImportsService } from './variant-imports.service.js';

@Controller('products')
@Requires('products:manage')
export class VariantImportsController {
  constructor(
    private readonly imports: VariantImportsService,
    private readonly files: VariantFilesService,
  ) {}

  /**
   * Export all variants as CSV
   *
   * One line for each variant, in UTF-8, with the columns of its product in each. Amounts are in minor units. What a spreadsheet would take for a
   * formula begins with an apostrophe, which the import takes off again. `product_metadata` and `variant_metadata` are objects of texts in JSON,
   * `product_images` the ids of files, in order, with spaces between, and `available_from` is a time in RFC 3339. What is exported can be imported:
   * then nothing changes.
   */
  @Get('export.csv')
  @MadeAnew()
  @ApiProduces('text/csv')
  @ApiOkResponse({ schema: { type: 'string', format: 'binary' } })
  export(): StreamableFile {
    const filename = `variants-${new Date().toISOString().slice(0, 10)}.csv`;
    return new StreamableFile(this.files.export(), { type: 'text/csv; charset=utf-8', disposition: `attachment; filename="${filename}"` });
  }

  /**
   * Import variants from CSV
   *
   * As a form with one part, `file`: a CSV file in UTF-8 with a line for each variant; its first line names its columns, which are those of the
   * export, in any order, and only `sku` has to be there. The SKU says which variant it is. A new one is made, in the product that
   * `product_slug` names, which is made, too, where there is none; of one that is there, what the line says otherwise is changed. `stock` is the
   * first stock of new variants, and changes none. What has no column stays as it is. An empty cell says that there is none: no description,
   * category, external id, price to compare with, value of an option, `available_from`, metadata or images; in other columns, `backorder` among
   * them, it says nothing.
   * Images that a product shows already keep their `alt`. Wrong lines are reported and do not stop the others.
   */
  @Post('imports')
  @Accepts('/products/imports/:id')
  @TakesFile('file', { limit: 'PRODUCTS_IMPORT_MAX_BYTES' })
  @Problems(uploadMalformed, fileTooLarge, tooManyProductImports)
  import(
    @Caller() actor: Actor,
    @Query() options: ImportVariantsQuery,
    @Upload() upload: FileUpload,
    @Idempotent() once: Once,
  ): Promise<ProductImportResponse> {
    return this.imports.receive(upload, (arrived) =>
      once.do(async (db) => ProductImportResponse.from(await this.imports.request(actor, options, arrived, db)), {
        name: arrived.name,
        sha256: arrived.sha256.toString('hex'),
      }),
    );
  }

  /** List imports of variants */
  @Get('imports')
  async list(@Caller() actor: Actor, @Query() query: ListProductImportsQuery): Promise<ProductImportList> {
    const page = await this.imports.list(actor, query);
    return { ...page, items: page.items.map(ProductImportResponse.from) };
  }

  /** How far an import is */
  @Get('imports/:id')
  @Problems(productImportNotFound)
  async get(@Caller() actor: Actor, @Param('id', IdPipe) id: string): Promise<ProductImportResponse> {
    return ProductImportResponse.from(await this.imports.get(actor, id));
  }

  /** The lines of an import that were not taken, and why: the first ten thousand */
  @Get('imports/:id/problems')
  @Problems(productImportNotFound)
  async problems(
    @Caller() actor: Actor,
    @Param('id', IdPipe) id: string,
    @Query() query: ListProductImportProblemsQuery,
  ): Promise<ProductImportProblemList> {
    const page = await this.imports.problems(actor, id, query);
    return { ...page, items: page.items.map(ProductImportProblemResponse.from) };
  }

  /** Cancel an import; what it has written stays */
  @Post('imports/:id/cancellation')
  @HttpCode(200)
  @Problems(productImportNotFound, productImportOver)
  cancel(@Caller() actor: Actor, @Param('id', IdPipe) id: string, @Idempotent() once: Once): Promise<ProductImportResponse> {
    return once.do(async (db) => ProductImportResponse.from(await this.imports.cancel(actor, id, db)));
  }
}
