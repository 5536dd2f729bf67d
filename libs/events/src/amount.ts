import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Matches, Max, Min } from 'class-validator';

/** Money in a payload, sums of many prices included: as large as JSON's readers hold exactly. */
export class Amount {
  @ApiProperty({ type: 'integer', minimum: 0, example: 1999, description: 'In the currency’s minor units (cents, yen).' })
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  amount: number;

  @ApiProperty({ type: 'string', pattern: '^[A-Z]{3}$', example: 'EUR', description: 'ISO 4217.' })
  @Matches(/^[A-Z]{3}$/)
  currency: string;
}
