/* What the API found wrong with the fields of a form: each is told until that field is changed. */
import { ref, watch, type Ref } from 'vue'

export function use_errors<Form extends object>(form: Form): Ref<Record<string, string>> {
  const errors = ref<Record<string, string>>({})
  for (const field of Object.keys(form) as (keyof Form & string)[])
    watch(
      () => form[field],
      () => {
        delete errors.value[field]
      },
    )
  return errors
}
