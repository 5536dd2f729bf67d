import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import { Injectable } from '@nestjs/common';
import type PDFDocument from 'pdfkit';
import type { Sheet } from './invoices.rules.js';

const { resolve } = createRequire(import.meta.url);
/** DejaVu (a free licence of Bitstream's kind): Latin, Greek, Cyrillic and more. Of it, what is used is embedded. */
const FONTS = { plain: 'dejavu-fonts-ttf/ttf/DejaVuSans.ttf', bold: 'dejavu-fonts-ttf/ttf/DejaVuSans-Bold.ttf' };
const MARGIN = 56;
const BOTTOM = 842 - MARGIN; // of A4, in points
const COLUMNS = [
  { x: MARGIN, width: 240, align: 'left' },
  { x: 300, width: 60, align: 'right' },
  { x: 364, width: 84, align: 'right' },
  { x: 452, width: 87, align: 'right' },
] as const;

/** Draws invoices: A4, with fonts of its own, without a look at the network. The same sheet is always the same bytes. */
@Injectable()
export class PdfsService {
  private fonts: { plain: Buffer; bold: Buffer } | undefined;

  async draw(sheet: Sheet, createdAt: Date): Promise<Buffer> {
    this.fonts ??= { plain: readFileSync(resolve(FONTS.plain)), bold: readFileSync(resolve(FONTS.bold)) };
    // With the first invoice: what it brings along is an eighth of all that a start would load.
    const { default: Document } = await import('pdfkit');
    const pdf = new Document({ size: 'A4', margin: MARGIN, info: { Title: sheet.title, CreationDate: createdAt }, lang: 'en' });
    const bytes = buffer(pdf);
    pdf.registerFont('plain', this.fonts.plain).registerFont('bold', this.fonts.bold);
    drawHead(pdf, sheet);
    for (const [index, row] of sheet.rows.entries()) drawRow(pdf, row, index === 0 ? 'bold' : 'plain');
    pdf.moveDown(0.5);
    for (const sum of sheet.sums) drawSum(pdf, sum, 'plain');
    drawSum(pdf, sheet.total, 'bold');
    pdf.end();
    return bytes;
  }
}

type Pdf = InstanceType<typeof PDFDocument>;
type Weight = 'plain' | 'bold';

function drawHead(pdf: Pdf, { title, seller, buyer, facts }: Sheet): void {
  pdf.font('plain').fontSize(9);
  for (const line of seller) pdf.text(line, { align: 'right' });
  pdf.moveDown(2);
  for (const line of buyer) pdf.text(line);
  pdf.moveDown(2).font('bold').fontSize(16).text(title).moveDown(0.5).font('plain').fontSize(9);
  for (const [name, value] of facts) pdf.text(`${name}: ${value}`);
  pdf.moveDown(1.5);
}

/** A row of the table: as high as its highest cell, and never over the end of a page. */
function drawRow(pdf: Pdf, cells: readonly string[], weight: Weight): void {
  pdf.font(weight).fontSize(9);
  const height = Math.max(...COLUMNS.map(({ width }, column) => pdf.heightOfString(cells[column]!, { width })));
  if (pdf.y + height > BOTTOM) pdf.addPage();
  const top = pdf.y;
  for (const [column, { x, width, align }] of COLUMNS.entries()) pdf.text(cells[column]!, x, top, { width, align });
  pdf.x = MARGIN;
  pdf.y = top + height + 4;
}

function drawSum(pdf: Pdf, [name, value]: readonly [string, string], weight: Weight): void {
  drawRow(pdf, [name, '', '', value], weight);
}
