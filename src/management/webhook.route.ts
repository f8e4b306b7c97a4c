import * as z from 'zod/mini';
import { page } from './fields.ts';

export const webhooksQuery = z.strictObject(page);
