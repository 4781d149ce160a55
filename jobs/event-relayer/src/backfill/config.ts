import { defineConfig } from '@fusion-prime/runtime'
import { Type } from 'typebox'

/** What Cloud Run tells each task of a job. */
export const TaskConfig = defineConfig({
  CLOUD_RUN_TASK_INDEX: Type.Integer({
    default: 0,
    minimum: 0,
    description: 'which task of a sharded backfill this is'
  }),
  CLOUD_RUN_TASK_COUNT: Type.Integer({ default: 1, minimum: 1, description: 'how many tasks share a backfill' })
})
