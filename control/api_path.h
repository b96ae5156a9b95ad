// SPDX-License-Identifier: Apache-2.0
//
// Paths of the API below /v1beta1, put together from parts that may hold anything. Each function
// appends to a string in a buffer of API_PATH_BYTES; what does not fit is cut. Pure.
#pragma once

enum { API_PATH_BYTES = 2048 };

void api_path_segment(char *path, const char *collection, const char *id); // "/collection/id"
void api_path_list(char *path, const char *collection); // "/collection?pageSize=100"
// "?name=value" or "&name=value".
void api_path_parameter(char *path, const char *name, const char *value);
