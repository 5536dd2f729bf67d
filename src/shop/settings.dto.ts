import { CURRENCY, IfPresent, Line, Money } from '#http';
import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsBoolean,
  IsInt,
  IsISO31661Alpha2,
  IsISO4217CurrencyCode,
  IsNotEmptyObject,
  IsOptional,
  IsString,
  IsTimeZone,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import { percentageOf, regionOf, type Settings, type ShippingMethod, type TaxRate } from './settings.rules.js';

const PERCENTAGE = /^(?:100(?:\.0{1,4})?|\d{1,2}(?:\.\d{1,4})?)$/;
const CODE = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;
const COUNTRY = /^[A-Z]{2}$/;

/** Per cent, exactly: up to four decimals, as a text. */
export const Percentage = () =>
  applyDecorators(
    IsString(),
    Matches(PERCENTAGE, { message: '$property must be a percentage from 0 to 100 with at most four decimals, as a text like "8.875"' }),
    ApiProperty({ type: 'string', pattern: PERCENTAGE.source, example: '19' }),
  );

const Code = (example: string) =>
  applyDecorators(
    IsString(),
    MaxLength(40),
    Matches(CODE, { message: '$property must be of lower-case letters and digits, with single hyphens between' }),
    ApiProperty({ type: 'string', maxLength: 40, pattern: CODE.source, example }),
  );

/** The code of a class of tax. */
export const TaxClass = () => Code('standard');

const TaxClasses = () =>
  applyDecorators(
    IsArray(),
    ArrayNotEmpty(),
    ArrayMaxSize(50),
    ArrayUnique(),
    IsString({ each: true }),
    MaxLength(40, { each: true }),
    Matches(CODE, { each: true, message: 'each of $property must be of lower-case letters and digits, with single hyphens between' }),
    ApiProperty({
      type: 'array',
      minItems: 1,
      maxItems: 50,
      uniqueItems: true,
      items: { type: 'string', maxLength: 40, pattern: CODE.source },
    }),
  );

const Country = () =>
  applyDecorators(
    IsISO31661Alpha2(),
    Matches(COUNTRY, { message: '$property must be two capital letters' }),
    ApiProperty({ type: 'string', pattern: COUNTRY.source, example: 'NL' }),
  );

export class TaxRateDto {
  /** ISO 3166-1 alpha-2. */
  @Country()
  country: string;

  /** The region of the address that it holds for, in whatever case; left out: everywhere in the country that has no rate of its own. @example "CA" */
  @IfPresent()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? regionOf(value) : value))
  @Line(0, 100)
  region: string = '';

  @TaxClass()
  taxClass: string;

  /** As it stands on invoices. @example "VAT" */
  @Line(1, 100)
  name: string;

  /** Per cent, with at most four decimals. @example "21" */
  @Percentage()
  rate: string;

  static from(this: void, { country, region, taxClass, name, ppm }: TaxRate): TaxRateDto {
    return { country, region, taxClass, name, rate: percentageOf(ppm) };
  }
}

export class ShippingMethodDto {
  /** What orders name it by. Two of a code have different currencies. */
  @Code('express')
  code: string;

  /** @example "Express, next day" */
  @Line(1, 100)
  name: string;

  /** Where it is sent to; none: everywhere. @example ["NL","BE"] */
  @ApiProperty({ required: false, type: 'array', maxItems: 250, uniqueItems: true, items: { type: 'string', pattern: COUNTRY.source } })
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(250)
  @ArrayUnique()
  @IsISO31661Alpha2({ each: true })
  @Matches(COUNTRY, { each: true, message: 'each of $property must be two capital letters' })
  countries: string[] = [];

  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => Money)
  price: Money;

  /** Of a subtotal less discounts of this much, in minor units, it is free. @example 5000 */
  @ApiProperty({ type: 'integer' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000_000_000)
  freeFrom: number | null = null;

  @IfPresent()
  @TaxClass()
  taxClass: string = 'standard';

  static from(this: void, { code, name, countries, currency, price, freeFrom, taxClass }: ShippingMethod): ShippingMethodDto {
    return { code, name, countries, price: { amount: price, currency }, freeFrom, taxClass };
  }
}

/** Where somebody is found by post. */
export class PostalAddressDto {
  /** @example "12 Dean Street" */
  @Line(1, 200)
  line1: string;

  @IfPresent()
  @Line(0, 200)
  line2?: string;

  /** @example "London" */
  @Line(1, 100)
  city: string;

  @IfPresent()
  @Line(0, 100)
  region?: string;

  /** @example "SW1Y 4JH" */
  @Line(1, 20)
  postalCode: string;

  /** ISO 3166-1 alpha-2. @example "GB" */
  @Country()
  country: string;
}

export class SellerDto extends PostalAddressDto {
  /** @example "Grace Hopper Trading B.V." */
  @Line(1, 200)
  legalName: string;

  /** What the tax office knows the seller by. @example "NL001234567B01" */
  @IsOptional()
  @Line(1, 50)
  taxId: string | null = null;
}

export class ChangeShopSettingsDto {
  /** The currencies that are sold in; none: all. @example ["EUR"] */
  @ApiProperty({ type: 'array', maxItems: 180, uniqueItems: true, items: { type: 'string', pattern: '^[A-Z]{3}$' } })
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(180)
  @ArrayUnique()
  @Matches(CURRENCY, { each: true, message: 'each of $property must be three capital letters of ISO 4217, like EUR' })
  @IsISO4217CurrencyCode({ each: true })
  currencies?: string[];

  /** Where an order without an address is taxed, and sent to: where the shop is, in most cases. */
  @IsOptional()
  @Country()
  country?: string | null;

  /** Whether prices, those of shipping included, contain their tax; otherwise it comes on top. */
  @IfPresent()
  @IsBoolean()
  pricesIncludeTax?: boolean;

  /** What days are in this shop, by its IANA name. @example "Europe/Amsterdam" */
  @IfPresent()
  @MaxLength(64)
  @IsTimeZone()
  timeZone?: string;

  /** Who sells, as it stands on invoices from now on. */
  @IsOptional()
  @IsNotEmptyObject()
  @ValidateNested()
  @Type(() => SellerDto)
  seller?: SellerDto | null;

  /** What is taxed alike, by its codes; `standard` is always one. @example ["standard","reduced","zero"] */
  @IfPresent()
  @TaxClasses()
  taxClasses?: string[];

  /** All of them. What has no rate is not taxed. */
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(1_000)
  @ValidateNested({ each: true })
  @Type(() => TaxRateDto)
  taxRates?: TaxRateDto[];

  /** All of them; none: shipping is free, and nobody chooses. */
  @IfPresent()
  @IsArray()
  @ArrayMaxSize(100)
  @ValidateNested({ each: true })
  @Type(() => ShippingMethodDto)
  shippingMethods?: ShippingMethodDto[];
}

export class ShopSettingsResponse {
  /** The currencies that are sold in; none: all. @example ["EUR"] */
  currencies: string[];
  /** Where an order without an address is taxed, and sent to. @example "NL" */
  country: string | null;
  /** Whether prices contain their tax; otherwise it comes on top. */
  pricesIncludeTax: boolean;
  /** What days are in this shop. @example "Europe/Amsterdam" */
  timeZone: string;
  /** Who sells, as it stands on invoices; null: nobody has said. */
  seller: SellerDto | null;
  /** @example ["standard","reduced","zero"] */
  taxClasses: string[];
  taxRates: TaxRateDto[];
  shippingMethods: ShippingMethodDto[];
  /** Counts the changes; part of the ETag. @example 1 */
  version: number;
  updatedAt: Date;

  static from(this: void, settings: Settings): ShopSettingsResponse {
    const { currencies, country, pricesIncludeTax, timeZone, seller, taxClasses, taxRates, shippingMethods, version, updatedAt } = settings;
    return {
      currencies,
      country,
      pricesIncludeTax,
      timeZone,
      seller,
      taxClasses,
      taxRates: taxRates.map(TaxRateDto.from),
      shippingMethods: shippingMethods.map(ShippingMethodDto.from),
      version,
      updatedAt,
    };
  }
}
