#!/bin/sh
# Prints a header with all that its namespace declares in the Doxygen group of its room; line numbers stay.
room=$(basename "$(dirname "$1")")
sed -e "s|^namespace gmdiff.*{\$|& /** @addtogroup $room */ /** @{ */|" -e "s|^}  // namespace gmdiff|/** @} */ &|" "$1"
